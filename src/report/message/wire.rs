//! The bits of a record, one declaration for both directions: a record is a function over a [`Wire`], which either
//! writes the value that it is given, or reads one into its place. Writer and reader cannot disagree.
//!
//! `None` means that the input ends or holds a number that this release does not know; a [`Writer`] returns it only for
//! a value that the format has no room for.

use super::codes::Coded;
use crate::report::evidence::DIGITS;

/// Whether a part was written or read.
pub type Done = Option<()>;

/// Largest number of entries of a list.
const MAX_LIST: u32 = 127;
/// Longest text, bytes.
const MAX_TEXT: usize = 255;
/// Largest distance that [`Wire::near`] writes as such.
const NEAR: i64 = 8;

/// A writer or a reader of bits, most significant first.
pub trait Wire: Sized {
    /// Whether values are read.
    const READS: bool;

    /// One bit.
    fn bit(&mut self, bit: &mut bool) -> Done;

    /// The `count` low bits.
    fn bits(&mut self, value: &mut u32, count: u32) -> Done {
        let mut seen = 0;
        for at in (0..count).rev() {
            let mut bit = *value >> at & 1 == 1;
            self.bit(&mut bit)?;
            seen = seen << 1 | u32::from(bit);
        }
        *value = seen;
        Some(())
    }

    /// A number, exactly: its length in bits, then the bits after the leading one.
    fn exact(&mut self, value: &mut u32) -> Done {
        self.significant(value, 32)
    }

    /// A number of which the `digits` highest bits are kept.
    fn significant(&mut self, value: &mut u32, digits: u32) -> Done {
        let mut length = (32 - value.leading_zeros()).min(31);
        self.bits(&mut length, 5)?;
        match length.checked_sub(1) {
            Some(30) => self.bits(value, 32)?,
            Some(rest) => {
                let kept = rest.min(digits - 1);
                let mut top = *value >> (rest - kept);
                self.bits(&mut top, kept)?;
                *value = 1 << rest | top << (rest - kept);
            }
            None => *value = 0,
        }
        Some(())
    }

    /// A time or size that rules measure by.
    fn measure(&mut self, value: &mut u32) -> Done {
        self.significant(value, DIGITS)
    }

    /// A signed number, exactly. Zigzag: small numbers of either sign stay short.
    fn signed(&mut self, value: &mut i32) -> Done {
        let mut zigzag = (value.cast_unsigned() << 1) ^ (*value >> 31).cast_unsigned();
        self.exact(&mut zigzag)?;
        *value = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        Some(())
    }

    /// A narrower number, as the wide one that it is written as.
    fn narrow<T: Copy + Into<u32> + TryFrom<u32>>(
        &mut self,
        value: &mut T,
        wide: impl FnOnce(&mut Self, &mut u32) -> Done,
    ) -> Done {
        let mut number = (*value).into();
        wide(self, &mut number)?;
        *value = T::try_from(number).ok()?;
        Some(())
    }

    /// 64 bits as two halves.
    fn halves(&mut self, value: &mut u64, mut half: impl FnMut(&mut Self, &mut u32) -> Done) -> Done {
        let mut high = u32::try_from(*value >> 32).ok()?;
        let mut low = u32::try_from(*value & u64::from(u32::MAX)).ok()?;
        half(self, &mut high)?;
        half(self, &mut low)?;
        *value = u64::from(high) << 32 | u64::from(low);
        Some(())
    }

    /// A variant of a closed enum, as its number.
    fn code<T: Coded>(&mut self, value: &mut T) -> Done {
        let mut code = value.code();
        self.bits(&mut code, T::BITS)?;
        *value = T::of(code)?;
        Some(())
    }

    /// One bit for the usual value, else that bit and the value.
    fn unless<T: PartialEq>(&mut self, value: &mut T, usual: T, own: impl FnOnce(&mut Self, &mut T) -> Done) -> Done {
        let mut is_own = *value != usual;
        self.bit(&mut is_own)?;
        if is_own {
            return own(self, value);
        }
        *value = usual;
        Some(())
    }

    /// A value, if any, behind a bit that shows it. A reader fills `blank`.
    fn option<T>(&mut self, value: &mut Option<T>, blank: T, some: impl FnOnce(&mut Self, &mut T) -> Done) -> Done {
        let mut is_some = value.is_some();
        self.bit(&mut is_some)?;
        if is_some {
            return some(self, value.get_or_insert(blank));
        }
        *value = None;
        Some(())
    }

    /// A time, if any, that is most often next to another one.
    fn near(&mut self, time: &mut Option<u32>, other: Option<u32>) -> Done {
        let distance = time.zip(other).map(|(time, other)| i64::from(time) - i64::from(other));
        let near = distance.filter(|distance| (-NEAR..NEAR).contains(distance));
        let mut is_near = near.is_some();
        self.bit(&mut is_near)?;
        if !is_near {
            return self.option(time, 0, Self::measure);
        }
        let mut shifted = u32::try_from(near.unwrap_or_default() + NEAR).ok()?;
        self.bits(&mut shifted, 4)?;
        *time = Some(u32::try_from(i64::from(other?) + i64::from(shifted) - NEAR).ok()?);
        Some(())
    }

    /// Entries behind their number. A reader fills copies of `blank`.
    fn list<T: Clone>(
        &mut self,
        list: &mut Vec<T>,
        blank: &T,
        number: impl FnOnce(&mut Self, &mut u32) -> Done,
        mut each: impl FnMut(&mut Self, &mut T) -> Done,
    ) -> Done {
        let mut count = u32::try_from(list.len()).ok()?;
        number(self, &mut count)?;
        let count = usize::try_from(Some(count).filter(|count| *count <= MAX_LIST)?).ok()?;
        list.resize(count, blank.clone());
        list.iter_mut().try_for_each(|entry| each(self, entry))
    }

    /// At most [`MAX_TEXT`] bytes of a text.
    fn text(&mut self, text: &mut String) -> Done {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        let mut bytes = std::mem::take(text).into_bytes();
        let mut count = u32::try_from(bytes.len()).ok()?;
        self.exact(&mut count)?;
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_TEXT)?;
        bytes.resize(count, 0);
        bytes
            .iter_mut()
            .try_for_each(|byte| self.narrow(byte, |wire, byte| wire.bits(byte, 8)))?;
        *text = String::from_utf8(bytes).ok()?;
        Some(())
    }
}

/// Writes bits.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    used: usize,
}

impl Wire for Writer {
    const READS: bool = false;

    fn bit(&mut self, bit: &mut bool) -> Done {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut().filter(|_| *bit) {
            *last |= 0x80 >> (self.used % 8);
        }
        self.used += 1;
        Some(())
    }
}

/// Reads bits.
#[derive(Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Wire for Reader<'_> {
    const READS: bool = true;

    fn bit(&mut self, bit: &mut bool) -> Done {
        let byte = self.bytes.get(self.at / 8)?;
        *bit = byte & (0x80 >> (self.at % 8)) != 0;
        self.at += 1;
        Some(())
    }
}

/// What a record writes; unused bits of the last byte are zero. `None` where the format has no room for it.
pub fn write(record: impl FnOnce(&mut Writer) -> Done) -> Option<Vec<u8>> {
    let mut writer = Writer::default();
    record(&mut writer)?;
    Some(writer.bytes)
}

/// Reads a record.
pub fn read(bytes: &[u8], record: impl FnOnce(&mut Reader<'_>) -> Done) -> Done {
    record(&mut Reader { bytes, at: 0 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Sample {
        exact: u32,
        rough: u32,
        signed: i32,
        halves: u64,
        text: String,
        list: Vec<u32>,
        near: (Option<u32>, Option<u32>),
    }

    impl Sample {
        fn on<W: Wire>(&mut self, wire: &mut W) -> Done {
            wire.exact(&mut self.exact)?;
            wire.measure(&mut self.rough)?;
            wire.signed(&mut self.signed)?;
            wire.halves(&mut self.halves, W::exact)?;
            wire.text(&mut self.text)?;
            wire.list(&mut self.list, &0, W::exact, W::exact)?;
            wire.option(&mut self.near.0, 0, W::measure)?;
            wire.near(&mut self.near.1, self.near.0)
        }
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(
            exact: u32, rough: u32, signed: i32, halves: u64, text in ".{0,40}", list: Vec<u32>,
            near in (any::<Option<u16>>(), any::<Option<u16>>()),
        ) {
            let near = (near.0.map(|time| u32::from(time) % 2000), near.1.map(|time| u32::from(time) % 2000));
            let sample = Sample { exact, rough, signed, halves, text, list, near };
            let bytes = write(|wire| sample.clone().on(wire)).unwrap();
            let mut back = Sample::default();
            read(&bytes, |wire| back.on(wire)).unwrap();
            prop_assert!(back.rough <= rough && u64::from(rough - back.rough) * 1000 <= u64::from(rough));
            prop_assert_eq!(Sample { rough, ..back }, sample);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes, |wire| Sample::default().on(wire));
        }
    }
}
