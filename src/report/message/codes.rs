//! The numbers of the closed enums on the wire: the discriminants that stand at their variants. A number is never given
//! to another variant: operator and probe pods may be of different releases for a while.

use crate::claude::error::ErrorClass;
use crate::report::evidence::{
    BodyKind, Echo, EventKind, ExchangeKind, GatewayErrorKind, KeyDefect, KeyKind, LimitKind, Outcome, Product, Reach,
    ReplyHeader, SkipReason, Spelling, Trust,
};

/// An enum with numbers.
pub trait Coded: Copy + PartialEq {
    /// Bits of the largest number that the format has room for.
    const BITS: u32;
    /// The number of this variant.
    fn code(self) -> u32;
    /// The variant of a number; `None` for one that this release does not know.
    fn of(code: u32) -> Option<Self>;
}

macro_rules! coded {
    ($($name:ident: $bits:literal,)*) => {
        $(impl Coded for $name {
            const BITS: u32 = $bits;
            fn code(self) -> u32 {
                u32::from(self as u8)
            }
            fn of(code: u32) -> Option<Self> {
                Self::from_repr(u8::try_from(code).ok()?)
            }
        })*
    };
}

coded! {
    Outcome: 4,
    ErrorClass: 6,
    Product: 5,
    GatewayErrorKind: 5,
    Echo: 3,
    BodyKind: 3,
    EventKind: 4,
    ReplyHeader: 5,
    Spelling: 2,
    Reach: 5,
    Trust: 3,
    SkipReason: 3,
    KeyKind: 2,
    KeyDefect: 4,
    LimitKind: 2,
}

impl Coded for ExchangeKind {
    const BITS: u32 = 5;
    fn code(self) -> u32 {
        self.entry().code
    }
    fn of(code: u32) -> Option<Self> {
        Self::all().find(|kind| kind.entry().code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number with its variant, so that a number that changes hands is seen.
    fn numbers<T: Coded + std::fmt::Debug>() -> String {
        let variants = (0..1 << T::BITS).filter_map(|code| Some(format!("{code} {:?}", T::of(code)?)));
        format!(
            "{}: {}\n",
            std::any::type_name::<T>().rsplit("::").next().unwrap_or_default(),
            variants.collect::<Vec<_>>().join(", ")
        )
    }

    #[test]
    fn a_number_is_never_given_to_another_variant() {
        let all = [
            numbers::<ExchangeKind>(),
            numbers::<Outcome>(),
            numbers::<ErrorClass>(),
            numbers::<Product>(),
            numbers::<GatewayErrorKind>(),
            numbers::<Echo>(),
            numbers::<BodyKind>(),
            numbers::<EventKind>(),
            numbers::<ReplyHeader>(),
            numbers::<Spelling>(),
            numbers::<Reach>(),
            numbers::<Trust>(),
            numbers::<SkipReason>(),
            numbers::<KeyKind>(),
            numbers::<KeyDefect>(),
            numbers::<LimitKind>(),
        ];
        insta::assert_snapshot!(all.concat());
    }

    #[test]
    fn every_variant_has_a_number_that_leads_back() {
        fn check<T: Coded + std::fmt::Debug>() {
            for code in 0..1 << T::BITS {
                assert!(T::of(code).is_none_or(|variant| variant.code() == code));
            }
            assert_eq!(T::of(1 << T::BITS), None, "a variant has no room");
        }
        check::<ExchangeKind>();
        check::<Outcome>();
        check::<ErrorClass>();
        check::<Product>();
        check::<GatewayErrorKind>();
        check::<Echo>();
        check::<BodyKind>();
        check::<EventKind>();
        check::<ReplyHeader>();
        check::<Spelling>();
        check::<Reach>();
        check::<Trust>();
        check::<SkipReason>();
        check::<KeyKind>();
        check::<KeyDefect>();
        check::<LimitKind>();
    }
}
