"""The overlay of branches on S3: `python -m tests.s3`.

Starts moto's server on this machine and runs `hanok-s3-test`, which compiles `hanok-lake/src/overlay.rs` over object_store's
S3 client:
* random reads, writes, conditional puts, deletes, copies and listings answer what they answer over memory, and the parent's
  objects keep their tags and times;
* of several writers of one commit one wins (`If-None-Match: *`);
* listings of several pages, copies in parts.

What it cannot show: moto is one process, so that conditional puts of it are as atomic as Python makes them; the consistency,
throttling and time-outs of a real S3 are not there. delta-rs and merges do not run on S3 here: Hanok opens local lakes only.
"""
