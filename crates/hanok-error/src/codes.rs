//! The table of codes. `docs/errors.md` is generated from it by `hanok-dev`.

/// A stable error code such as `HK0201`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Code {
    /// The page of this code. Codes are only made by the table, so a missing page cannot occur; it yields `None`.
    pub fn info(self) -> Option<&'static CodeInfo> {
        all().find(|info| info.code == self)
    }
}

/// One short page of an error code.
#[derive(Debug)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// What went wrong, as a short title.
    pub title: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Every registered code in order.
pub fn all() -> impl Iterator<Item = &'static CodeInfo> {
    table::ROOMS.iter().flat_map(|room| room.iter())
}

macro_rules! codes {
    ($room:ident: $($name:ident = $id:literal, $title:literal, $cause:literal, $remedy:literal;)*) => {
        $(#[doc = $title] pub const $name: crate::Code = crate::Code($id);)*
        pub(crate) const $room: &[crate::CodeInfo] = &[
            $(crate::CodeInfo { code: $name, title: $title, cause: $cause, remedy: $remedy },)*
        ];
    };
}

pub(crate) mod table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted_within_a_room() {
        let ids: Vec<_> = all().map(|info| info.code.0).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
    }
}
