//! What is left out, written as the word `none`, for which TOML has no value of its own.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
enum Word {
    #[serde(rename = "none")]
    None,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either<T> {
    None(Word),
    Some(T),
}

pub fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str("none"),
    }
}

pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(match Either::deserialize(deserializer)? {
        Either::None(Word::None) => None,
        Either::Some(value) => Some(value),
    })
}
