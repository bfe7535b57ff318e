//! A page that cannot be read: a report with a code in place of a bare signal.
//!
//! LMDB trusts its pages. A damaged one can refer to bytes beyond the end of the file, where the kernel answers a read
//! with SIGBUS; so it does when the disk fails. Nothing can go on from there, but the process can say why.
#![expect(unsafe_code, reason = "signal handlers cannot be expressed safely")]

use std::path::Path;
use std::sync::OnceLock;

use hanok_error::Report;

use crate::StoreError;

/// Where a report goes: a file descriptor, and the bytes for it.
pub type FaultText = (i32, Vec<u8>);

const FAILURE: i32 = 1;

static RENDER: OnceLock<fn(&Report) -> FaultText> = OnceLock::new();
static TEXT: OnceLock<FaultText> = OnceLock::new();

/// From now on the process ends with exit code 1 and a report when a page of a store cannot be read, not by the signal.
/// `render` makes the report's text when a store is opened. For programs: a library must not take signals by itself.
pub fn report_faults(render: fn(&Report) -> FaultText) {
    // The first one stays.
    let _ = RENDER.set(render);
}

/// Takes SIGBUS, if the program has asked for it.
pub(crate) fn watch(path: &Path) {
    let Some(render) = RENDER.get() else { return };
    TEXT.get_or_init(|| {
        let what = "a page refers to bytes that are not in the file, or the disk failed".to_owned();
        let text = render(&Report::new(&StoreError::Damaged { path: path.to_owned(), what }));
        // SAFETY: the struct is plain data for which zeros mean no flags and an empty mask. The handler only loads an
        // atomic and calls `write` and `_exit`, which signal handlers may; the text is set before the signal is taken
        // for the first fault that could need it, and never changed.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_fault as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut());
        }
        text
    });
}

extern "C" fn on_fault(_signal: libc::c_int) {
    let (descriptor, text) = TEXT
        .get()
        .map_or((2, &b"error: a mapped file cannot be read\n"[..]), |(fd, text)| (*fd, text.as_slice()));
    // SAFETY: `text` is a live slice, and both calls are on the list of those that signal handlers may make.
    unsafe {
        libc::write(descriptor, text.as_ptr().cast(), text.len());
        libc::_exit(FAILURE)
    }
}
