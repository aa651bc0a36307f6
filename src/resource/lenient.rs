//! Values of the status that a newer release may extend.
//!
//! A status outlives the program that wrote it: after a downgrade, or read by an older command line, it may hold names that
//! this release does not know. They never make the object unreadable: an unknown name is kept as it is, and what cannot be
//! read of a list is left out.

use std::collections::BTreeMap;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

/// An enum with the names of its variants in JSON, and room for those that a newer release adds.
macro_rules! open_enum {
    ($(#[$meta:meta])* pub enum $type:ident { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$doc])* $variant,)*
            /// A name that this release does not know; empty for none.
            Other(Box<str>),
        }

        impl $type {
            /// The name, as in JSON.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                match name {
                    $(stringify!($variant) => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl Default for $type {
            fn default() -> Self {
                Self::Other(Box::default())
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'_, str>>::deserialize(deserializer).map(|name| Self::from(&*name))
            }
        }

        // A string in the schema: an operator that is newer than the CRD must be able to write what it found.
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                String::json_schema(generator)
            }
        }
    };
}
pub(super) use open_enum;

/// The entries of a list that this release can read.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let entries = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(entries
        .into_iter()
        .filter_map(|entry| T::deserialize(entry).ok())
        .collect())
}

/// The entries of a map that this release can read.
pub(super) fn map<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let Some(Value::Object(entries)) = Option::<Value>::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    let read = |(name, entry)| Some((name, T::deserialize::<Value>(entry).ok()?));
    Ok(entries.into_iter().filter_map(read).collect())
}

/// A value, where this release can read it.
pub(super) fn option<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| T::deserialize(value).ok()))
}
