//! Luau's own error for memory that is used up.

use mlua::Value;

/// What Luau raises when the VM's memory is used up. Unlike an author's errors it has no file and line.
pub(in crate::vm) const OUT_OF_MEMORY: &str = "not enough memory";

/// Whether a raised value is Luau's own out-of-memory error.
pub(in crate::vm) fn is_out_of_memory(value: &Value) -> bool {
    match value {
        Value::String(text) => *text.as_bytes() == *OUT_OF_MEMORY.as_bytes(),
        Value::Error(error) => {
            let mut error = &**error;
            while let mlua::Error::CallbackError { cause, .. } = error {
                error = cause;
            }
            matches!(error, mlua::Error::MemoryError(_))
        }
        _ => false,
    }
}
