//! Placeholder line, replaced with the first real module.
#![forbid(unsafe_code)]
