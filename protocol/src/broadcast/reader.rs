//! Takes fields off the front of a datagram.

use super::datagram::DatagramError;

/// The bytes of a datagram that were not read yet.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DatagramError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(DatagramError::Length)?;
        self.0 = rest;
        Ok(*field)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DatagramError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DatagramError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn slice(&mut self, length: usize) -> Result<&'a [u8], DatagramError> {
        let (field, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(DatagramError::Length)?;
        self.0 = rest;
        Ok(field)
    }

    /// Refuses bytes beyond the last field.
    pub(super) fn end(&self) -> Result<(), DatagramError> {
        match self.0 {
            [] => Ok(()),
            _ => Err(DatagramError::Length),
        }
    }
}
