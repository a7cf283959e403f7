//! The `cogsmith` command.

fn main() {}
