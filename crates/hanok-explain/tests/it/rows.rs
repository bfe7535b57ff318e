//! Finding one row.

use hanok_error::Coded as _;
use hanok_explain::{RowError, RowFinder, RowKey};

use crate::support::rows;

fn find(key: RowKey) -> Result<String, RowError> {
    let rows = rows(10, 1);
    let mut finder = RowFinder::new(key);
    for at in [0, 3, 6, 9] {
        finder.look(&rows.slice(at, 3.min(10 - at)))?;
        if finder.is_done() {
            break;
        }
    }
    let row = finder.finish()?;
    assert_eq!(row.num_rows(), 1);
    Ok(arrow::util::display::array_value_to_string(row.column(0), 0).unwrap())
}

fn values(text: &str) -> RowKey {
    RowKey::Values(
        text.split(',')
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap();
                (key.to_owned(), value.to_owned())
            })
            .collect(),
    )
}

#[test]
fn a_row_is_found_by_number_or_by_values() {
    assert_eq!(find(RowKey::Number(1)).unwrap(), "1");
    assert_eq!(find(RowKey::Number(7)).unwrap(), "7");
    assert_eq!(find(RowKey::Number(10)).unwrap(), "10");
    assert_eq!(find(values("id=4")).unwrap(), "4");
    assert_eq!(find(values("code=c1,id=4")).unwrap(), "4");
}

#[test]
fn none_and_several_are_refused() {
    let refused = |key: RowKey| {
        let error = find(key).unwrap_err();
        assert_eq!(error.code().0, "HK1704");
        error.to_string()
    };
    assert_eq!(refused(RowKey::Number(11)), "0 rows are number 11");
    assert_eq!(refused(values("code=c1")), "2 rows are code=c1");
    assert_eq!(refused(values("id=x")), "`x` is not a value of the column `id`");
    assert_eq!(refused(values("no=1")), "the data has no column `no`");
}
