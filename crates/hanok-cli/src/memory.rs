//! Huge pages, for the commands that gain by them.
//!
//! mimalloc advises Linux to back its memory with pages of 2 MiB. The first touch of one zeroes all of it, which is worth
//! it for large tables that are read at random places: a point-in-time join, the feature server. Work that streams
//! touches a little here and there and pays a fifth of its CPU time and a third of its memory for nothing.

#![expect(unsafe_code, reason = "prctl has no safe form among our dependencies")]

/// From now on this process gets pages of the usual size only. Where that cannot be had, everything works all the same.
pub(crate) fn no_huge_pages() {
    #[cfg(target_os = "linux")]
    {
        let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: this option takes a flag and three zeros, all unsigned longs, and no pointers; it changes how the
        // kernel backs memory, never what the memory holds.
        unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, on, unused, unused, unused) };
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_kernel_takes_the_wish() {
        super::no_huge_pages();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        // Kernels before 5.0 do not say.
        assert!(!status.contains("THP_enabled:\t1"), "{status}");
    }
}
