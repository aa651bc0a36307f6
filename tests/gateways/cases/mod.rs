//! The cases, by what is wrong.

use crate::case::Named;

/// One test for each case; its name is a sentence.
macro_rules! cases {
    ($($name:ident: $case:expr;)*) => {
        /// The cases of this file.
        pub const CASES: &[crate::case::Named] = &[$(crate::case::Named {
            name: stringify!($name),
            module: module_path!(),
            make: || $case,
        },)*];
        $(
            #[test]
            fn $name() {
                crate::cases::play(CASES, stringify!($name));
            }
        )*
    };
}

/// The files: each is a module with `CASES`.
macro_rules! files {
    ($($file:ident)*) => {
        $(mod $file;)*

        /// All cases, in the order of the files.
        pub fn all() -> impl Iterator<Item = Named> {
            [$($file::CASES),*].into_iter().flatten().copied()
        }
    };
}

files! {
    benign
    credentials
    evidence
    exchanges
    headers
    http2
    limits
    litellm
    network
    npm
    operator
    others
    pairs
    recorded
    routes
    streams
    uncontrolled
}

/// Plays one of these cases.
fn play(cases: &[Named], name: &str) {
    let case = cases.iter().find(|case| case.name == name).unwrap();
    (case.make)().run(name);
}
