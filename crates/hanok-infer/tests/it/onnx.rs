//! ONNX files that are put together by hand.

/// A field of a message: bytes.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], varint(bytes.len()).as_slice(), bytes].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while number >= 0x80 {
        all.push(number as u8 | 0x80);
        number >>= 7;
    }
    all.push(number as u8);
    all
}

/// An operator of one input and one output, its attributes as they are.
pub(crate) fn node(kind: &str, inputs: &[&str], output: &str, domain: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| field(1, name.as_bytes())).collect();
    let rest = [field(2, output.as_bytes()), field(4, kind.as_bytes()), field(7, domain.as_bytes())].concat();
    field(1, &[inputs, rest].concat())
}

/// A float input or output [?, columns].
fn info(number: u8, name: &str, columns: Option<usize>) -> Vec<u8> {
    let columns = columns.map_or(Vec::new(), |columns| [vec![8], varint(columns)].concat());
    let shape = field(2, &[field(1, &[]), field(1, &columns)].concat());
    let tensor = field(1, &[vec![8, 1], shape].concat());
    field(number, &[field(1, name.as_bytes()), field(2, &tensor)].concat())
}

/// A graph from `x`, of any width, to `y`.
pub(crate) fn model(nodes: &[Vec<u8>]) -> Vec<u8> {
    model_of(None, "y", nodes)
}

/// A graph from `x`, of so many columns, to a value of this name; constants may stand among the nodes.
pub(crate) fn model_of(columns: Option<usize>, output: &str, nodes: &[Vec<u8>]) -> Vec<u8> {
    field(7, &[nodes.concat(), info(11, "x", columns), info(12, output, None)].concat())
}

/// A constant [1, n] of float zeros.
pub(crate) fn zeros(name: &str, count: usize) -> Vec<u8> {
    let dims = field(1, &[varint(1), varint(count)].concat());
    let numbers = field(9, &vec![0; 4 * count]);
    field(5, &[dims, vec![0x10, 1], field(8, name.as_bytes()), numbers].concat())
}

/// Two copies side by side; the axis is 1.
pub(crate) fn concat(input: &str, output: &str) -> Vec<u8> {
    let axis = field(5, &[field(1, b"axis"), vec![0x18, 1]].concat());
    let names =
        [field(1, input.as_bytes()), field(1, input.as_bytes()), field(2, output.as_bytes())].concat();
    field(1, &[names, field(4, b"Concat"), axis].concat())
}
