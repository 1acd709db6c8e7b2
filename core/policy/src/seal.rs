//! The port that keeps secrets unreadable at rest.

/// Sealed bytes cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret cannot be opened: wrong seal key, or its bytes were changed")]
pub struct SealError;

/// Authenticated encryption with a key that the engine holds.
///
/// # Contract
/// `open` gives back what `seal` took only for the same `context`, so that a sealed secret cannot be moved from one
/// record to another.
pub trait Seal: Send + Sync {
    /// Seals `plain` to `context` (the key id it belongs to, for one).
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8>;
    /// Opens what was sealed to the same context.
    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError>;
}
