//! Bits in and out: the record payloads of a termination message, where every byte counts.

/// Writes bits, most significant first.
#[derive(Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    used: usize,
}

impl BitWriter {
    /// Appends the `count` low bits of `value`.
    pub fn bits(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.bit(value >> at & 1 == 1);
        }
    }

    /// Appends one bit.
    pub fn bit(&mut self, bit: bool) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut().filter(|_| bit) {
            *last |= 0x80 >> (self.used % 8);
        }
        self.used += 1;
    }

    /// A number, exactly: its length in bits, then the bits after the leading one.
    pub fn exact(&mut self, value: u32) {
        self.significant(value, 32);
    }

    /// A number of which the `digits` highest bits are kept.
    pub fn significant(&mut self, value: u32, digits: u32) {
        let length = 32 - value.leading_zeros();
        if length >= 31 {
            self.bits(31, 5);
            self.bits(value, 32);
            return;
        }
        self.bits(length, 5);
        let Some(rest) = length.checked_sub(1) else { return };
        let kept = rest.min(digits - 1);
        self.bits(value >> (rest - kept), kept);
    }

    /// A signed number, exactly.
    pub fn signed(&mut self, value: i32) {
        // Zigzag: small numbers of either sign stay short.
        self.exact((value.cast_unsigned() << 1) ^ (value >> 31).cast_unsigned());
    }

    /// `value`, if any, behind a bit that says so.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bit(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Bytes, behind their number (at most 255).
    pub fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(255);
        let bytes = text.get(..end).unwrap_or_default().as_bytes();
        self.exact(u32::try_from(bytes.len()).unwrap_or(0));
        bytes.iter().for_each(|byte| self.bits(u32::from(*byte), 8));
    }

    /// The bytes; unused bits of the last are zero.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads bits. Every reader returns `None` at the end of the input.
#[derive(Debug)]
pub struct BitReader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> BitReader<'b> {
    /// A reader from the first bit.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits.
    pub fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// The next bit.
    pub fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte & (0x80 >> (self.at % 8)) != 0;
        self.at += 1;
        Some(bit)
    }

    /// What [`BitWriter::exact`] wrote.
    pub fn exact(&mut self) -> Option<u32> {
        self.significant(32)
    }

    /// What [`BitWriter::significant`] wrote.
    pub fn significant(&mut self, digits: u32) -> Option<u32> {
        match self.bits(5)? {
            31 => self.bits(32),
            0 => Some(0),
            length => {
                let rest = length - 1;
                let kept = rest.min(digits - 1);
                Some((1 << rest) | self.bits(kept)? << (rest - kept))
            }
        }
    }

    /// What [`BitWriter::signed`] wrote.
    pub fn signed(&mut self) -> Option<i32> {
        let value = self.exact()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// What [`BitWriter::option`] wrote.
    #[allow(clippy::option_option)]
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.bit()? { read(self).map(Some) } else { Some(None) }
    }

    /// What [`BitWriter::text`] wrote.
    pub fn text(&mut self) -> Option<String> {
        let length = self.exact().filter(|&length| length <= 255)?;
        let bytes = (0..length)
            .map(|_| u8::try_from(self.bits(8)?).ok())
            .collect::<Option<Vec<u8>>>()?;
        String::from_utf8(bytes).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_text_come_back(exact: u32, rough: u32, signed: i32, text in ".{0,40}") {
            let mut writer = BitWriter::default();
            writer.exact(exact);
            writer.significant(rough, 11);
            writer.signed(signed);
            writer.text(&text);
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            prop_assert_eq!(reader.exact().unwrap(), exact);
            let back = reader.significant(11).unwrap();
            prop_assert!(back <= rough && u64::from(rough - back) * 1000 <= u64::from(rough));
            prop_assert_eq!(reader.signed().unwrap(), signed);
            prop_assert_eq!(reader.text().unwrap(), text);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = BitReader::new(&bytes);
            while reader.exact().is_some() && reader.text().is_some() && reader.signed().is_some() {}
        }
    }
}
