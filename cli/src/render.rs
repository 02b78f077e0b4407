//! What the library gives, as text and as JSON.

pub(crate) mod excerpt;
pub(crate) mod failure;
pub(crate) mod json;
