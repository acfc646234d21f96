//! A model's bytes: what comes back, and what is refused.

use crate::allocation::largest;
use crate::common::{MINUTE, any_rows, rows, scored, short, trained, wave, waves, wide_rows};
use proptest::collection::vec;
use proptest::prelude::*;
use tsad_core::{Error, ErrorKind, Model, Params, Samples, score_causal};

pub const HEADER: usize = 20;

/// A real model of little more than a thousand bytes.
pub fn small() -> Vec<u8> {
    let params = Params {
        scales: vec![8],
        centres: 2,
        ..Params::default()
    };
    trained(waves(120), params).to_bytes().unwrap()
}

/// A header that is right for the payload.
pub fn sealed(version: u16, method: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = b"TSAD".to_vec();
    out.extend(version.to_le_bytes());
    out.extend(method.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend(crc32c::crc32c_append(crc32c::crc32c(&out), payload).to_le_bytes());
    out.extend(payload);
    out
}

/// What serde sets aside for a list because of its promised length alone.
const ON_A_PROMISE: usize = 1 << 20;

/// Reads bytes of any origin; memory must stay in proportion to them.
pub fn read(bytes: &[u8]) -> Result<Model, Error> {
    let (result, most) = largest(|| Model::from_bytes(bytes));
    let allowed = ON_A_PROMISE + 64 * bytes.len();
    assert!(most <= allowed, "{most} bytes at once for {} given", bytes.len());
    result
}

/// Fails unless the bytes are refused as damaged.
pub fn assert_corrupt(bytes: &[u8], how: &str) {
    let e = read(bytes).expect_err(how);
    assert_eq!(e.kind(), ErrorKind::Corrupt, "{how}: {e}");
    assert!(
        e.message().starts_with("invalid model: ") && e.hint().is_some(),
        "{how}: {e}"
    );
}

fn round_trip(model: &Model) -> Result<(), TestCaseError> {
    let bytes = model.to_bytes()?;
    let back = Model::from_bytes(&bytes)?;
    prop_assert_eq!(&back, model);
    prop_assert_eq!(back.to_bytes()?, bytes);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_model_of_any_rows_comes_back_unchanged((channels, list) in any_rows(200)) {
        round_trip(&trained(wide_rows(channels, &list), short()))?;
    }

    #[test]
    fn a_model_with_windows_for_causal_scores_comes_back_unchanged((channels, list) in any_rows(200)) {
        let model = trained(wide_rows(channels, &list), Params { causal: true, ..short() });
        let points = score_causal(&model, wide_rows(channels, &list), &|| {})?;
        prop_assert_eq!(points.len(), list.len());
        round_trip(&model)?;
    }

    #[test]
    fn a_model_of_extreme_values_comes_back_unchanged(
        values in vec(prop_oneof![
            Just(f64::MAX), Just(f64::MIN), Just(1e300), Just(5e-324), Just(0.0), Just(-0.0), Just(1.0), Just(f64::NAN),
        ], 1..120),
        missed in 1..4_i64,
        doubled in any::<bool>(),
    ) {
        let mut rows = rows(values.iter().enumerate().map(|(i, v)| (i as i64 * MINUTE * missed, *v)));
        if doubled {
            rows.append(&rows.clone())?;
        }
        let model = trained(rows.clone(), short());
        round_trip(&model)?;
        for p in scored(&model, &rows) {
            prop_assert!(p.score.is_none_or(f64::is_finite));
        }
    }
}

#[test]
fn a_model_of_values_at_both_ends_of_the_range_comes_back_unchanged() {
    for far in [f64::MAX, 1e308, 1e300] {
        let swing = |i: i64| if i % 2 == 0 { far } else { -far };
        let model = trained(rows((0..200).map(|i| (i * MINUTE, swing(i)))), short());
        assert_eq!(read(&model.to_bytes().unwrap()), Ok(model));
    }
}

#[test]
fn a_model_without_training_comes_back_with_its_reason() {
    for rows in [Samples::new(3).unwrap(), waves(1)] {
        let model = trained(rows, Params::default());
        let back = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
        assert_eq!(back, model);
        assert!(!back.is_trained() && back.untrained_reason().is_some());
    }
}

#[test]
fn a_model_read_back_scores_as_before() {
    let model = trained(waves(500), short());
    let back = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let rows = rows((400..700).map(|i| (i * MINUTE, wave(i))));
    assert_eq!(scored(&model, &rows), scored(&back, &rows));
}

#[test]
fn a_model_cut_off_anywhere_is_refused() {
    let bytes = small();
    for n in 0..bytes.len() {
        assert_corrupt(&bytes[..n], &format!("the first {n} bytes"));
    }
}

#[test]
fn a_model_with_any_bit_flipped_is_refused() {
    let mut bytes = small();
    for i in 0..8 * bytes.len() {
        bytes[i / 8] ^= 1 << (i % 8);
        assert_corrupt(&bytes, &format!("bit {i}"));
        bytes[i / 8] ^= 1 << (i % 8);
    }
    assert!(read(&bytes).is_ok());
}

#[test]
fn bytes_after_the_model_are_refused() {
    let bytes = small();
    for more in [&[0_u8][..], &[0xff], &bytes] {
        assert_corrupt(&[&bytes, more].concat(), "bytes after the payload");
        let payload = [&bytes[HEADER..], more].concat();
        assert_corrupt(&sealed(1, 1, 0, &payload), "bytes within the payload");
    }
}

#[test]
fn the_header_is_twenty_bytes_as_documented() {
    let bytes = small();
    assert_eq!(sealed(1, 1, 0, &bytes[HEADER..]), bytes);
}

#[test]
fn a_newer_format_is_told_apart_from_damage() {
    let payload = &small()[HEADER..];
    for (version, method, flags) in [(2, 1, 0), (u16::MAX, 9, 7), (1, 2, 0), (1, 1, 1), (1, 1, 1 << 31)] {
        for payload in [payload, b"", b"another layout"] {
            let bytes = sealed(version, method, flags, payload);
            let e = read(&bytes).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Newer, "{version} {method} {flags}: {e}");
            assert!(e.hint().unwrap().contains("Update"), "{e}");
            let mut damaged = bytes;
            damaged[16] ^= 1;
            assert_corrupt(&damaged, "a newer version with a wrong checksum");
        }
    }
    for (version, method) in [(0, 1), (1, 0), (0, 0)] {
        assert_corrupt(&sealed(version, method, 0, payload), "version or method 0");
    }
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..400)) {
        assert_corrupt(&bytes, "random bytes");
        assert_corrupt(&[b"TSAD".as_slice(), &bytes].concat(), "random bytes after the magic");
        assert_corrupt(&sealed(1, 1, 0, &bytes), "a random payload");
    }

    #[test]
    fn a_model_with_a_stretch_overwritten_is_refused(at in 0.0..1.0_f64, new in vec(any::<u8>(), 1..40)) {
        let mut bytes = small();
        let at = (at * bytes.len() as f64) as usize;
        let end = bytes.len().min(at + new.len());
        let before = bytes.clone();
        bytes[at..end].copy_from_slice(&new[..end - at]);
        prop_assume!(bytes != before);
        assert_corrupt(&bytes, "a stretch overwritten");
    }
}

/// The bytes of strings of bytes in a value.
fn packed(value: &serde_cbor::Value) -> usize {
    match value {
        serde_cbor::Value::Bytes(b) => b.len(),
        serde_cbor::Value::Array(list) => list.iter().map(packed).sum(),
        serde_cbor::Value::Map(map) => map.values().map(packed).sum(),
        _ => 0,
    }
}

#[test]
fn what_is_expected_of_rows_is_a_small_part_of_a_model_but_for_minutes() {
    let noise = |i: i64| (i * 7919 % 1009) as f64 / 100.0;
    for (minutes, days) in [(1, 9), (5, 21), (60, 60), (1440, 400)] {
        let value = |i: i64| {
            let hour = (i * minutes) as f64 / 60.0;
            let weekend = i * minutes / 1440 % 7 >= 5;
            let job = minutes < 60 && i * minutes % 1440 < 15 && i * minutes / 1440 % 2 == 0;
            let day = 20.0 * (hour * std::f64::consts::TAU / 24.0).sin();
            100.0 + if weekend { 0.3 * day } else { day } + noise(i) + if job { 150.0 } else { 0.0 }
        };
        let n = days * 1440 / minutes;
        let model = trained(
            rows((0..n).map(|i| (i * minutes * MINUTE, value(i)))),
            Params::default(),
        );
        let bytes = model.to_bytes().unwrap();
        let payload: serde_cbor::Value = serde_cbor::from_slice(&bytes[HEADER..]).unwrap();
        let serde_cbor::Value::Map(map) = &payload else {
            panic!()
        };
        let of_rows = &map[&serde_cbor::Value::Text("row_model".to_owned())];
        let size = serde_cbor::to_vec(of_rows).unwrap().len();
        println!(
            "every {minutes} min: {} bytes, {size} of them for rows ({} with 64 bits), {:?}",
            bytes.len(),
            size + packed(of_rows) / 4 * 5,
            model.info(0).expectation
        );
        // A day of minutes, or a week of five minutes, has many phases.
        assert!(
            (if minutes > 5 { 3 } else { 1 }) * size <= bytes.len() - size,
            "{size} of {} bytes",
            bytes.len()
        );
        assert_eq!(Model::from_bytes(&bytes).unwrap(), model);
    }
}
