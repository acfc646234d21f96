//! Bytes that are wrong behind a header that is right: the checksum does not protect against malice.

use crate::codec::{HEADER, assert_corrupt, read, sealed, small};
use crate::common::{MINUTE, scored, trained, wave, waves};
use proptest::prelude::*;
use tsad_core::{ErrorKind, Params, Samples, score_causal};

/// A payload is either refused as corrupt or a model that can be used. Whether it was used.
pub fn refused_or_usable(payload: &[u8], how: &str) -> bool {
    let model = match read(&sealed(1, 1, 0, payload)) {
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{how}: {e}");
            return false;
        }
        Ok(model) => model,
    };
    let _ = (model.info(0), model.reach(), model.interval(), model.threshold());
    let mut some = Samples::new(model.channels()).unwrap();
    for i in (0..20).chain(30..60) {
        some.push(i * MINUTE, &vec![wave(i); model.channels()]).unwrap();
    }
    assert_eq!(scored(&model, &some).len(), 50, "{how}");
    assert_eq!(score_causal(&model, some, &|| {}).unwrap().len(), 50, "{how}");
    assert_eq!(read(&model.to_bytes().unwrap()).as_ref(), Ok(&model), "{how}");
    true
}

#[test]
fn deep_nesting_and_promises_of_huge_lengths_are_refused() {
    let huge = u64::MAX.to_be_bytes();
    let promise = |major: u8, n: [u8; 8]| [&[major << 5 | 27][..], &n].concat();
    for major in 2..=5 {
        for n in [huge, (1_u64 << 31).to_be_bytes(), (1_u64 << 40).to_be_bytes()] {
            assert_corrupt(&sealed(1, 1, 0, &promise(major, n)), "a huge length");
            // The same in the place of every value of the real payload: its name, then the promise.
            let payload = small()[HEADER..].to_vec();
            for name in [
                "library", "knots", "channels", "scales", "location", "body", "params",
            ] {
                let text = [&[0x60 | name.len() as u8][..], name.as_bytes()].concat();
                let end = payload.windows(text.len()).position(|w| w == text).unwrap() + text.len();
                let bytes = [&payload[..end], &promise(major, n), &payload[end..]].concat();
                assert_corrupt(&sealed(1, 1, 0, &bytes), name);
            }
        }
    }
    for opening in [0x81_u8, 0x9f, 0xbf, 0xa1, 0xc6, 0x5f, 0x7f] {
        for depth in [100, 10_000, 1_000_000] {
            assert_corrupt(&sealed(1, 1, 0, &vec![opening; depth]), "deep nesting");
        }
    }
}

#[test]
fn every_bit_of_the_payload_can_flip_behind_a_right_checksum() {
    let mut payload = small()[HEADER..].to_vec();
    let mut used = 0;
    for i in 0..8 * payload.len() {
        payload[i / 8] ^= 1 << (i % 8);
        used += usize::from(refused_or_usable(&payload, &format!("bit {i}")));
        payload[i / 8] ^= 1 << (i % 8);
    }
    assert!(used > 1000, "only {used} changes reached the scorer");
}

/// A real model with windows for causal scores.
fn causal() -> Vec<u8> {
    let params = Params {
        scales: vec![8],
        centres: 2,
        causal: true,
        ..Params::default()
    };
    trained(waves(120), params).to_bytes().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bytes_of_the_payload_can_change_behind_a_right_checksum(
        changes in prop::collection::vec((0.0..1.0_f64, prop_oneof![
            any::<u8>(),
            prop::sample::select(vec![0xff, 0x9f, 0xbf, 0x5f, 0x1b, 0x9b, 0xbb, 0x5b, 0xfb, 0xf6, 0x00]),
        ]), 1..4),
        cut in prop::option::weighted(0.1, 0.0..1.0_f64),
        has_causal in any::<bool>(),
    ) {
        let model = if has_causal { causal() } else { small() };
        let mut payload = model[HEADER..].to_vec();
        for (at, new) in changes {
            let at = (at * payload.len() as f64) as usize;
            payload[at] = new;
        }
        if let Some(cut) = cut {
            payload.truncate((cut * payload.len() as f64) as usize);
        }
        refused_or_usable(&payload, "changed bytes");
    }
}
