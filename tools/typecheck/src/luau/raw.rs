//! The only unsafe code: the call of `frontend.cpp`, and what it calls back.

use super::{Problem, Severity, UNKNOWN_FIELD, sentences, unknown_fields};
use crate::project::Project;
use crate::requires;
use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::slice;

// The checker is compiled by this crate, and linked with it.
use luau_analyze as _;

type Write = unsafe extern "C" fn(sink: *mut c_void, text: *const c_char, length: usize);

#[repr(C)]
struct Host {
    data: *mut c_void,
    read: unsafe extern "C" fn(*mut c_void, *const c_char, usize, *mut c_void, Write) -> bool,
    resolve: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *mut c_void,
        Write,
    ),
    problem: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        usize,
        *const u32,
        *const c_char,
        usize,
        *const c_char,
        usize,
    ),
    unknown_field: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        usize,
        *const u32,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *const c_char,
        usize,
    ),
}

unsafe extern "C" {
    fn cogsmith_check(
        host: *const Host,
        modules: *const c_char,
        modules_length: usize,
        globals: *const c_char,
        globals_length: usize,
        seconds: f64,
        sink: *mut c_void,
        write: Write,
    ) -> bool;
}

/// What the callbacks work with.
struct Check<'a> {
    project: &'a Project,
    texts: HashMap<String, String>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn add(&mut self, file: String, place: &[u32], severity: Severity, code: &str, message: &str) {
        let (message, because) = sentences(message);
        let text = self.texts.get(&file).map_or("", String::as_str);
        let (line, column) = counted(text, place[0], place[1]);
        let (end_line, end_column) = counted(text, place[2], place[3]);
        self.problems.push(Problem {
            file,
            line,
            column,
            end_line,
            end_column,
            severity,
            code: code.to_owned(),
            message,
            because,
        });
    }
}

/// Checks all modules of a project, each for at most so many seconds.
pub(super) fn check(project: &Project, seconds: f64) -> Result<Vec<Problem>, String> {
    let mut check = Check {
        project,
        texts: HashMap::new(),
        problems: Vec::new(),
    };
    let host = Host {
        data: (&raw mut check).cast(),
        read,
        resolve,
        problem,
        unknown_field,
    };
    let (modules, globals) = (list(&project.modules), list(&project.globals));
    let mut reason = String::new();
    // SAFETY: All pointers are valid for the call, which keeps none of them. `check` is used by nobody else until it
    // returns, and the callbacks get it back one after the other, on this thread.
    let done = unsafe {
        cogsmith_check(
            &raw const host,
            modules.as_ptr().cast(),
            modules.len(),
            globals.as_ptr().cast(),
            globals.len(),
            seconds,
            (&raw mut reason).cast(),
            write,
        )
    };
    if done {
        Ok(check.problems)
    } else {
        Err(format!("Luau's type checker has given up: {reason}"))
    }
}

/// Texts with a NUL behind each.
fn list(texts: &[String]) -> String {
    texts.iter().flat_map(|text| [text, "\0"]).collect()
}

/// # Safety
/// `sink` is a `String` that nobody else uses, and `text` has `length` bytes.
unsafe extern "C" fn write(sink: *mut c_void, text: *const c_char, length: usize) {
    // SAFETY: as above.
    let (sink, text) = unsafe { (&mut *sink.cast::<String>(), text_of(text, length)) };
    sink.push_str(&text);
}

/// # Safety
/// `data` is a `Check` that nobody else uses, `name` has `length` bytes, and `write` may be called with `sink`.
unsafe extern "C" fn read(
    data: *mut c_void,
    name: *const c_char,
    length: usize,
    sink: *mut c_void,
    write: Write,
) -> bool {
    // SAFETY: as above.
    let (check, name) = unsafe { (&mut *data.cast::<Check>(), text_of(name, length)) };
    let Some(text) = check.project.text(&name) else {
        return false;
    };
    // SAFETY: as above; the text lives until the call returns.
    unsafe { write(sink, text.as_ptr().cast(), text.len()) };
    check.texts.insert(name, text);
    true
}

/// # Safety
/// `data` is a `Check` that nobody else uses, the texts have so many bytes, and `write` may be called with `sink`.
unsafe extern "C" fn resolve(
    data: *mut c_void,
    from: *const c_char,
    from_length: usize,
    request: *const c_char,
    request_length: usize,
    sink: *mut c_void,
    write: Write,
) {
    // SAFETY: as above.
    let check = unsafe { &mut *data.cast::<Check>() };
    // SAFETY: as above.
    let (from, request) = unsafe { (text_of(from, from_length), text_of(request, request_length)) };
    let name = requires::resolve(check.project, &from, &request);
    // SAFETY: as above; the name lives until the call returns.
    unsafe { write(sink, name.as_ptr().cast(), name.len()) };
}

/// # Safety
/// `data` is a `Check` that nobody else uses, `place` has four numbers, and the texts have so many bytes.
unsafe extern "C" fn problem(
    data: *mut c_void,
    module: *const c_char,
    module_length: usize,
    place: *const u32,
    code: *const c_char,
    code_length: usize,
    message: *const c_char,
    message_length: usize,
) {
    // SAFETY: as above.
    let check = unsafe { &mut *data.cast::<Check>() };
    // SAFETY: as above.
    let (file, place, code, message) = unsafe {
        (
            text_of(module, module_length),
            slice::from_raw_parts(place, 4),
            text_of(code, code_length),
            text_of(message, message_length),
        )
    };
    let (severity, code) = match code.as_str() {
        "" => (Severity::Error, "TypeError"),
        code => (Severity::Warning, code),
    };
    check.add(file, place, severity, code, &message);
}

/// # Safety
/// `data` is a `Check` that nobody else uses, `place` has four numbers, and the texts have so many bytes.
unsafe extern "C" fn unknown_field(
    data: *mut c_void,
    module: *const c_char,
    module_length: usize,
    place: *const u32,
    field: *const c_char,
    field_length: usize,
    of: *const c_char,
    of_length: usize,
    known: *const c_char,
    known_length: usize,
) {
    // SAFETY: as above.
    let check = unsafe { &mut *data.cast::<Check>() };
    // SAFETY: as above.
    let (file, place, field, of, known) = unsafe {
        (
            text_of(module, module_length),
            slice::from_raw_parts(place, 4),
            text_of(field, field_length),
            text_of(of, of_length),
            text_of(known, known_length),
        )
    };
    let message = unknown_fields::message(&field, &of, known.split_terminator('\0'));
    check.add(file, place, Severity::Error, UNKNOWN_FIELD, &message);
}

/// A place that Luau counts from 0, and within a line in bytes.
fn counted(text: &str, line: u32, column: u32) -> (usize, usize) {
    let (line, column) = (line as usize, column as usize);
    let inside = text.split('\n').nth(line).unwrap_or_default();
    let before = inside.as_bytes().get(..column).unwrap_or(inside.as_bytes());
    let characters = String::from_utf8_lossy(before).chars().count();
    (line + 1, characters + 1)
}

/// # Safety
/// `text` has `length` bytes.
unsafe fn text_of(text: *const c_char, length: usize) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as above.
    let bytes = unsafe { slice::from_raw_parts(text.cast::<u8>(), length) };
    String::from_utf8_lossy(bytes).into_owned()
}
