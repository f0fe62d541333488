//! Reads which file of a crate uses an item of which other file of that crate.
//!
//! An arrow ends at the file that defines the item: re-exports, by `lib.rs` or by a folder's `mod.rs`, are followed.
//! `mod child;` is no arrow, and neither is the re-export of an item of a child. Test code has no arrows.
//!
//! Names make arrows, types do not: a method call on a value says nothing, as long as the file names neither the type
//! nor the trait. Where a path ends at an item that a macro makes, the arrow ends at the file that calls the macro.

mod mention;
mod resolve;
mod source;

pub(crate) use self::resolve::{Arrow, CrateFiles, TypeName};
