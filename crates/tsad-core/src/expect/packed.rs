//! Numbers by phase as bytes: single precision is enough for them, and a model is half as large.

use serde::de::Error;
use serde::{Deserializer, Serializer};
use serde_bytes::ByteBuf;

/// The largest exponent of a unit, either way.
const FARTHEST: i32 = 1000;

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

/// Writes the exponent of the unit (two bytes) and the values as single-precision numbers, little-endian.
pub(super) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
    let exponent = exponent(values);
    let mut bytes = Vec::with_capacity(2 + 4 * values.len());
    bytes.extend((exponent as i16).to_le_bytes());
    bytes.extend(
        values
            .iter()
            .flat_map(|v| ((v / two_to(exponent)) as f32).to_le_bytes()),
    );
    to.serialize_bytes(&bytes)
}

/// Reads what [`serialize`] wrote.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let bytes: ByteBuf = serde::Deserialize::deserialize(from)?;
    let wrong = || D::Error::custom("numbers by phase are incomplete");
    let (unit, numbers) = bytes.split_first_chunk::<2>().ok_or_else(wrong)?;
    let (numbers, rest) = numbers.as_chunks::<4>();
    let exponent = i32::from(i16::from_le_bytes(*unit));
    if !rest.is_empty() || exponent.abs() > FARTHEST {
        return Err(wrong());
    }
    let values: Vec<f64> = numbers
        .iter()
        .map(|b| f64::from(f32::from_le_bytes(*b)) * two_to(exponent))
        .collect();
    // Others are not written, and would be written in another way.
    if rounded(values.clone())
        .iter()
        .map(|v| v.to_bits())
        .ne(values.iter().map(|v| v.to_bits()))
        || self::exponent(&values) != exponent
    {
        return Err(wrong());
    }
    Ok(values)
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

    fn read(bytes: &[u8]) -> Option<Vec<f64>> {
        let written = serde_cbor::to_vec(&serde_bytes::Bytes::new(bytes)).unwrap();
        serde_cbor::from_slice::<Packed>(&written).ok().map(|p| p.0)
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
            f64::MAX,
        ] {
            let values: Vec<f64> = some(scale).chain([-0.0, 1e-40 * scale, f64::NAN]).collect();
            let new = rounded(values.clone());
            assert!(
                values
                    .iter()
                    .zip(&new)
                    .all(|(a, b)| a.is_nan() || (a - b).abs() <= 1e-7 * scale)
            );
            let bytes = serde_cbor::to_vec(&Packed(new.clone())).unwrap();
            assert!(bytes.len() <= 4 * new.len() + 8);
            let read: Packed = serde_cbor::from_slice(&bytes).unwrap();
            assert!(read.0.iter().zip(&new).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(read(&[0, 0]), Some(Vec::new()));
        assert_eq!(read(&[0, 0, 0, 0, 0x80, 0x3f]), Some(vec![1.0]));
        assert_eq!(read(&[1, 0, 0, 0, 0x80, 0x3f]), Some(vec![2.0]));
        for wrong in [
            &[][..],
            &[0],
            &[0, 0, 1],
            // 4.0 in units of 1, infinity, and units of 2^1001.
            &[0, 0, 0, 0, 0x80, 0x40],
            &[0, 0, 0, 0, 0x80, 0x7f],
            &[0xe9, 3, 0, 0, 0, 0],
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
