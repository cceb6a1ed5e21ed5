//! The protection of a datagram on its way.
//!
//! CRC-32C (RFC 3720 §12.1) finds damage: kernels leave the checksums of frames between virtual
//! interfaces unfinished, so a datagram that was damaged on an emulated link can pass UDP's own.
//! Where sender and receivers share a key, a keyed BLAKE3 code behind each datagram keeps strangers
//! out; without one, a stranger on the link can disturb a session, though not unnoticed.

use super::datagram::{DatagramError, HEADER, TAG};

/// Bytes of the code behind a datagram where there is a key.
pub const CODE: usize = 16;

/// The protection of a session's datagrams.
#[derive(Clone, Default)]
pub struct Seal {
    key: Option<[u8; 32]>,
}

impl Seal {
    /// Protects with a shared key, derived from a secret of any length.
    pub fn with_secret(secret: &[u8]) -> Self {
        Self {
            key: Some(blake3::derive_key(CONTEXT, secret)),
        }
    }

    /// Bytes that a datagram has beyond what it carries.
    pub fn overhead(&self) -> usize {
        HEADER + self.key.map_or(0, |_| CODE)
    }

    /// Completes a header with the checksum over it and what follows it, and returns the code that
    /// goes behind, if there is a key.
    pub fn close(&self, header: &mut [u8; HEADER], body: &[u8]) -> Option<[u8; CODE]> {
        let sum = checksum(header, body);
        header[TAG].copy_from_slice(&sum.to_be_bytes());
        self.code(header, body)
    }

    /// Checks a datagram as it arrived; returns its header and what follows.
    ///
    /// # Errors
    /// [`DatagramError::Length`], [`DatagramError::Checksum`] or [`DatagramError::Code`].
    pub fn open<'a>(
        &self,
        datagram: &'a [u8],
    ) -> Result<(&'a [u8; HEADER], &'a [u8]), DatagramError> {
        let (header, rest) = datagram
            .split_first_chunk::<HEADER>()
            .ok_or(DatagramError::Length)?;
        let mut body = rest;
        if self.key.is_some() {
            let (inner, found) = rest
                .split_last_chunk::<CODE>()
                .ok_or(DatagramError::Length)?;
            body = inner;
            let code = self.code(header, body).unwrap_or_default();
            if !equal(&code, found) {
                return Err(DatagramError::Code);
            }
        }
        if header[TAG] != checksum(header, body).to_be_bytes() {
            return Err(DatagramError::Checksum);
        }
        Ok((header, body))
    }

    fn code(&self, header: &[u8; HEADER], body: &[u8]) -> Option<[u8; CODE]> {
        let mut hasher = blake3::Hasher::new_keyed(self.key.as_ref()?);
        let hash = hasher.update(header).update(body).finalize();
        hash.as_bytes().first_chunk().copied()
    }
}

/// Never shows the key.
impl std::fmt::Debug for Seal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.key.is_some() { "Keyed" } else { "Plain" };
        out.write_str(kind)
    }
}

fn checksum(header: &[u8; HEADER], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[..TAG.start]), body)
}

/// In a time that does not tell how much is equal.
fn equal(a: &[u8; CODE], b: &[u8; CODE]) -> bool {
    a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

const CONTEXT: &str = "orchestrator 2026-11 broadcast datagram code";
