//! What the diagnosis promises, as sentences.

mod credential;
