//! Vectors of numbers as bytes, and the check of what is read.

use serde_bytes::ByteBuf;

/// What is wrong with a payload that is well-formed CBOR.
pub(super) type Wrong = &'static str;

pub(super) fn require(holds: bool, what: Wrong) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(what) }
}

pub(super) fn to_bytes(values: &[f32]) -> ByteBuf {
    ByteBuf::from(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
}

/// The numbers of a vector; only those within `most` of 0 are accepted.
pub(super) fn from_bytes(bytes: &[u8], most: f32) -> Result<Vec<f32>, Wrong> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    require(rest.is_empty(), "vector")?;
    let values: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
    require(values.iter().all(|v| v.abs() <= most), "vector")?;
    Ok(values)
}
