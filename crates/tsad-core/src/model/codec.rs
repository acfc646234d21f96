//! The envelope of a model's bytes: a checked header, then the payload.
//!
//! | bytes | content |
//! | --- | --- |
//! | 0-3 | `TSAD` |
//! | 4-5 | format version |
//! | 6-7 | method |
//! | 8-11 | flags, all zero |
//! | 12-15 | length of the payload |
//! | 16-19 | CRC-32C of bytes 0-15 and the payload |
//! | 20- | payload: CBOR (RFC 8949) |
//!
//! Integers are little-endian.

use super::Model;
use super::v1::payload::ModelV1;
use crate::error::{Error, ErrorKind, Result};

/// The format version that is written.
pub(super) const VERSION: u16 = 1;
/// The method that is written.
const METHOD: u16 = 1;
/// Its name in [`super::ModelInfo`].
pub(super) const METHOD_NAME: &str = "window_clusters";

const MAGIC: &[u8; 4] = b"TSAD";
const HEADER: usize = 20;

impl Model {
    /// The bytes of the model. Equal models have equal bytes.
    ///
    /// # Errors
    /// `Limit` if the payload exceeds 4 GiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Limit, format!("could not encode the model: {e}"))
                .with_hint("Train with fewer channels, scales or centres.")
        };
        let payload = serde_cbor::to_vec(&ModelV1::from(self)).map_err(|e| failed(&e))?;
        let length = u32::try_from(payload.len()).map_err(|e| failed(&e))?;
        let mut out = Vec::with_capacity(HEADER + payload.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&METHOD.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        let crc = checksum(&out, &payload);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&payload);
        Ok(out)
    }

    /// The checksum in the bytes of the model: another one for another model, but for one in four billion.
    ///
    /// # Errors
    /// Those of [`Model::to_bytes`].
    pub fn checksum(&self) -> Result<u32> {
        let bytes = self.to_bytes()?;
        let crc = bytes.get(16..HEADER).and_then(|b| b.try_into().ok());
        Ok(crc.map_or(0, u32::from_le_bytes))
    }

    /// Reads a model from bytes of any origin. It does not panic, and allocates no more than a small multiple
    /// of what it is given.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not an intact model, `Newer` if a newer version of the library wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
            return Err(corrupt(format!(
                "it has {} bytes, a header has {HEADER}",
                bytes.len()
            )));
        };
        if &header[..4] != MAGIC {
            return Err(corrupt("it does not begin with \"TSAD\""));
        }
        let version = u16::from_le_bytes([header[4], header[5]]);
        let method = u16::from_le_bytes([header[6], header[7]]);
        let flags = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let length = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
        let crc = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
        if length as usize != payload.len() {
            return Err(corrupt(format!(
                "its header promises {length} bytes, {} follow",
                payload.len()
            )));
        }
        if crc != checksum(&header[..16], payload) {
            return Err(corrupt("its checksum does not match"));
        }
        if version > VERSION || (version == VERSION && (method > METHOD || flags != 0)) {
            return Err(Error::new(
                ErrorKind::Newer,
                format!("model has format version {version}, this library reads up to {VERSION}"),
            )
            .with_hint("Update pg_tsad, or train the model again."));
        }
        if version == 0 || method == 0 {
            return Err(corrupt(format!(
                "unknown format version {version}, method {method}"
            )));
        }
        let stored: ModelV1 =
            serde_cbor::from_slice(payload).map_err(|e| corrupt(format!("its payload: {e}")))?;
        stored.into_model().map_err(corrupt)
    }
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(header), payload)
}

fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("invalid model: {what}"))
        .with_hint("Pass a value that tsad.train returned, unchanged.")
}
