//! The bytes of a document. A value is a tag and what belongs to it:
//!
//! ```text
//! null, false, true   the tag alone
//! an integer          its zigzag code, seven bits a byte
//! another number      eight bytes, the lowest first
//! a string            its length, seven bits a byte; its text
//! an array            the bytes of its items, in four bytes; the items
//! an object           the same; for each field its name and its value
//! a name              its place in `NAMES`, in two bytes; or OTHER, and a length and a text
//! ```
//!
//! What is equal has equal bytes, and a value is copied as it stands, wherever it goes.

pub(super) const NULL: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
pub(super) const INTEGER: u8 = 3;
pub(super) const NUMBER: u8 = 4;
pub(super) const STRING: u8 = 5;
pub(super) const ARRAY: u8 = 6;
pub(super) const OBJECT: u8 = 7;

/// In place of a name's number: the name itself follows.
pub(super) const OTHER: u16 = u16::MAX;

/// The bytes of the length of an array or an object.
pub(super) const LENGTH: usize = 4;
