//! Huge pages, for the work that gains by them.
//!
//! mimalloc advises Linux to back its memory with pages of 2 MiB. The first touch of one zeroes all of it, which is worth
//! it for large tables that are read at random places: a large point-in-time join, the feature server. Work that streams
//! touches a little here and there and pays a fifth of its CPU time and a third of its memory for nothing.

#![expect(unsafe_code, reason = "prctl has no safe form among our dependencies")]

/// Whether this process gets huge pages from now on. Where that cannot be said, everything works all the same.
pub(crate) fn huge_pages(wanted: bool) {
    #[cfg(target_os = "linux")]
    {
        let (off, unused) = (libc::c_ulong::from(!wanted), libc::c_ulong::MIN);
        // SAFETY: this option takes a flag and three zeros, all unsigned longs, and no pointers; it changes how the
        // kernel backs memory, never what the memory holds.
        unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, off, unused, unused, unused) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = wanted;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_kernel_takes_the_wish() {
        let status = || std::fs::read_to_string("/proc/self/status").unwrap();
        super::huge_pages(false);
        // Kernels before 5.0 do not say.
        assert!(!status().contains("THP_enabled:\t1"), "{}", status());
        super::huge_pages(true);
        assert!(!status().contains("THP_enabled:\t0"), "{}", status());
    }
}
