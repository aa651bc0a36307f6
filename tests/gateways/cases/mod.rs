//! The cases, by what is wrong.

/// One test for each case; its name is a sentence.
macro_rules! cases {
    ($($name:ident: $case:expr;)*) => {$(
        #[test]
        fn $name() {
            $case.run(stringify!($name));
        }
    )*};
}

mod benign;
mod credentials;
mod headers;
mod limits;
mod network;
mod pairs;
mod routes;
mod streams;
mod uncontrolled;
