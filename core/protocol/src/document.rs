//! A decoded input or an output to be encoded: what the model's shapes can say.

use bytes::Bytes;
use jiff::Timestamp;

/// A value of some shape of a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Blob(Bytes),
    Time(Timestamp),
    List(Vec<Document>),
    /// Members in the order they came or shall go; names as in the model.
    Map(Vec<(String, Document)>),
}

impl Document {
    /// An empty structure.
    pub fn structure() -> Self {
        Self::Map(Vec::new())
    }

    /// This structure with one more member; `Null` adds nothing.
    pub fn with(mut self, name: &str, value: impl Into<Document>) -> Self {
        let value = value.into();
        if let Self::Map(members) = &mut self
            && value != Self::Null
        {
            members.push((name.to_owned(), value));
        }
        self
    }

    /// A member of a structure.
    pub fn get(&self, name: &str) -> Option<&Document> {
        match self {
            Self::Map(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A text member.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole-number member.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Self::Int(n)) => Some(*n),
            _ => None,
        }
    }

    /// A true-or-false member.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Self::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// A timestamp member.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        match self.get(name) {
            Some(Self::Time(t)) => Some(*t),
            _ => None,
        }
    }

    /// A list member; empty where it is absent.
    pub fn list(&self, name: &str) -> &[Document] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }
}

impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Document {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Document {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Document {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<Timestamp> for Document {
    fn from(t: Timestamp) -> Self {
        Self::Time(t)
    }
}

impl From<Vec<Document>> for Document {
    fn from(items: Vec<Document>) -> Self {
        Self::List(items)
    }
}

impl<T: Into<Document>> From<Option<T>> for Document {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
