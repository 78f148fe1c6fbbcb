//! What the node was asked, and what it answered.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

/// What was asked and answered so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// HTTP requests and WebSocket messages with calls in them.
    pub requests: u64,
    /// JSON-RPC calls, those in batches counted one by one.
    pub items: u64,
    /// Bytes received, HTTP headers and WebSocket frames included.
    pub request_bytes: u64,
    /// Bytes sent, HTTP headers and WebSocket frames included.
    pub response_bytes: u64,
    /// Characters of the `0x…` strings that carry what was asked for: keys and hashes which only repeat the
    /// question are left out.
    pub payload_bytes: u64,
}

/// Counts what happens on every connection.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    items: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    payload_bytes: AtomicU64,
}

impl Counters {
    pub fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            requests: read(&self.requests),
            items: read(&self.items),
            request_bytes: read(&self.request_bytes),
            response_bytes: read(&self.response_bytes),
            payload_bytes: read(&self.payload_bytes),
        }
    }

    pub fn request(&self, items: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        add(&self.items, items);
    }

    pub fn received(&self, bytes: usize) {
        add(&self.request_bytes, bytes);
    }

    pub fn sent(&self, bytes: usize) {
        add(&self.response_bytes, bytes);
    }

    /// Notes an answer of a method.
    pub fn answered(&self, method: &str, answer: &Value) {
        let payload = match method {
            "state_queryStorageAt" => {
                let values = answer.pointer("/0/changes").and_then(Value::as_array);
                values.into_iter().flatten().filter_map(|pair| pair.get(1)).map(hex_len).sum()
            }
            _ => hex_len(answer),
        };
        add(&self.payload_bytes, payload);
    }
}

impl Figures {
    /// As `simchain_counters` answers them.
    pub fn json(&self) -> Value {
        json!({
            "requests": self.requests,
            "items": self.items,
            "requestBytes": self.request_bytes,
            "responseBytes": self.response_bytes,
            "payloadBytes": self.payload_bytes,
        })
    }
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Characters of all strings in hexadecimal.
fn hex_len(value: &Value) -> usize {
    match value {
        Value::String(text) if text.starts_with("0x") => text.len(),
        Value::Array(list) => list.iter().map(hex_len).sum(),
        Value::Object(fields) => fields.values().map(hex_len).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_the_question_is_no_payload() {
        let counters = Counters::default();
        let answer = json!([{ "block": "0x1111", "changes": [["0xaaaa", "0x01"], ["0xbbbb", null]] }]);
        counters.answered("state_queryStorageAt", &answer);
        assert_eq!(counters.figures().payload_bytes, 4);
        counters
            .answered("chain_getHeader", &json!({ "number": "0x1", "digest": { "logs": ["0x0102", "a"] } }));
        assert_eq!(counters.figures().payload_bytes, 4 + 3 + 6);
    }
}
