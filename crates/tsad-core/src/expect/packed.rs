//! Numbers by phase as bytes: single precision is enough for them, and what is the same for many phases is written once.

use serde::de::Error;
use serde::{Deserializer, Serializer};
use serde_bytes::ByteBuf;

/// The largest exponent of a unit, either way.
const FARTHEST: i32 = 1000;
/// No key has more phases than a week.
const LONGEST: usize = 7 * 1440;

/// Values in single precision of the power of two that the largest one reaches, so that writing and reading them changes
/// nothing. What is not finite becomes 0.
pub(super) fn rounded(values: Vec<f64>) -> Vec<f64> {
    let finite: Vec<f64> = values
        .into_iter()
        .map(|v| if v.is_finite() { v } else { 0.0 })
        .collect();
    let unit = two_to(exponent(&finite));
    let single = |v: &f64| {
        let s = (v / unit) as f32;
        // So small a number would lose digits once the largest one is rounded up.
        f64::from(if s.abs() < 1e-30 { 0.0 } else { s }) * unit
    };
    finite.iter().map(single).collect()
}

/// Writes values that were rounded: the exponent of their unit (two bytes), whether numbers are counted (one byte), then the
/// numbers, little-endian, one by one or after how often each comes (two bytes), whichever is shorter.
pub(super) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(&written(values))
}

fn written(values: &[f64]) -> Vec<u8> {
    let exponent = exponent(values);
    let bits: Vec<u32> = values
        .iter()
        .map(|v| ((v / two_to(exponent)) as f32).to_bits())
        .collect();
    let runs: Vec<&[u32]> = bits.chunk_by(|a, b| a == b).collect();
    let counted = runs.len() * 6 < bits.len() * 4;
    let mut out = Vec::from((exponent as i16).to_le_bytes());
    out.push(u8::from(counted));
    if counted {
        for run in runs.iter().flat_map(|r| r.chunks(usize::from(u16::MAX))) {
            out.extend((run.len() as u16).to_le_bytes());
            out.extend(run[0].to_le_bytes());
        }
    } else {
        out.extend(bits.iter().flat_map(|b| b.to_le_bytes()));
    }
    out
}

/// Reads what [`serialize`] wrote, and nothing else.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let bytes: ByteBuf = serde::Deserialize::deserialize(from)?;
    read(&bytes)
        .filter(|values| written(values) == **bytes)
        .ok_or_else(|| D::Error::custom("numbers by phase are not as they are written"))
}

fn read(bytes: &[u8]) -> Option<Vec<f64>> {
    let (unit, rest) = bytes.split_first_chunk::<2>()?;
    let (counted, body) = rest.split_first()?;
    let exponent = i32::from(i16::from_le_bytes(*unit));
    let each = if *counted == 1 { 6 } else { 4 };
    if exponent.abs() > FARTHEST || !body.len().is_multiple_of(each) {
        return None;
    }
    let mut values = Vec::new();
    for chunk in body.chunks(each) {
        let (number, count) = (chunk.last_chunk::<4>()?, chunk.first_chunk::<2>()?);
        let times = if *counted == 1 {
            usize::from(u16::from_le_bytes(*count))
        } else {
            1
        };
        let value = f64::from(f32::from_le_bytes(*number)) * two_to(exponent);
        if values.len() + times > LONGEST || !value.is_finite() {
            return None;
        }
        values.extend(std::iter::repeat_n(value, times));
    }
    Some(values)
}

/// Of the power of two that the largest value reaches; 0 without one.
fn exponent(values: &[f64]) -> i32 {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let bits = (largest.to_bits() >> 52) as i32;
    if largest == 0.0 {
        0
    } else {
        (bits - 1023).clamp(-FARTHEST, FARTHEST)
    }
}

fn two_to(exponent: i32) -> f64 {
    2.0_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Packed(#[serde(with = "super")] Vec<f64>);

    fn packed(bytes: &[u8]) -> Option<Vec<f64>> {
        let written = serde_cbor::to_vec(&serde_bytes::Bytes::new(bytes)).unwrap();
        serde_cbor::from_slice::<Packed>(&written).ok().map(|p| p.0)
    }

    fn size_of_read_again(values: &[f64]) -> usize {
        let bytes = serde_cbor::to_vec(&Packed(values.to_vec())).unwrap();
        let read: Packed = serde_cbor::from_slice(&bytes).unwrap();
        assert!(read.0.iter().zip(values).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!(read.0.len(), values.len());
        bytes.len()
    }

    #[test]
    fn rounded_values_are_read_as_they_were_written() {
        let some = |scale: f64| (0..500).map(move |i| (f64::from(i) * 0.7).sin().powi(5) * scale);
        for scale in [
            0.0,
            5e-324,
            1e-310,
            1e-300,
            1e-20,
            1.0,
            3.0,
            1e20,
            1e300,
            f64::MAX / 4.0,
        ] {
            let values: Vec<f64> = some(scale).chain([-0.0, 1e-40 * scale, f64::NAN]).collect();
            let new = rounded(values.clone());
            let near = |(a, b): (&f64, &f64)| a.is_nan() || (a - b).abs() <= 1e-7 * scale + 1e-300;
            assert!(values.iter().zip(&new).all(near), "{scale}");
            assert!(size_of_read_again(&new) <= 4 * new.len() + 8);
        }
        let mut few = vec![0.0; 10_080];
        few[700..703].fill(2.5);
        assert!(size_of_read_again(&rounded(few)) < 40);
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(packed(&[0, 0, 0]), Some(Vec::new()));
        assert_eq!(packed(&[0, 0, 0, 0, 0, 0x80, 0x3f]), Some(vec![1.0]));
        assert_eq!(packed(&[1, 0, 0, 0, 0, 0x80, 0x3f]), Some(vec![2.0]));
        assert_eq!(packed(&[0, 0, 1, 9, 0, 0, 0, 0x80, 0x3f]), Some(vec![1.0; 9]));
        for wrong in [
            &[][..],
            &[0],
            &[0, 0],
            &[0, 0, 0, 1],
            // Counted though it is alone, 4.0 in units of 1, infinity, 2^1001, too many, none, and another way of writing.
            &[0, 0, 1, 1, 0, 0, 0, 0x80, 0x3f],
            &[0, 0, 0, 0, 0, 0x80, 0x40],
            &[0, 0, 0, 0, 0, 0x80, 0x7f],
            &[0xe9, 3, 0, 0, 0, 0, 0],
            &[0, 0, 1, 0xff, 0xff, 0, 0, 0x80, 0x3f],
            &[0, 0, 1, 0, 0, 0, 0, 0x80, 0x3f],
            &[0, 0, 2],
        ] {
            assert_eq!(packed(wrong), None, "{wrong:?}");
        }
    }
}
