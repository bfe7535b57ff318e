"""The overlay of branches on S3: `python -m tests.s3`.

Starts moto's server on this machine and runs `hanok-s3-test`, which compiles `hanok-lake/src/overlay.rs` over object_store's
S3 client:
* random reads, writes, conditional puts, deletes, copies and listings answer what they answer over memory, and the parent's
  objects keep their tags and times;
* of several writers of one commit one wins (`If-None-Match: *`);
* listings of several pages, copies in parts.

What it cannot show: moto answers one request after the other here (in threads its conditional puts are not atomic), so that races are those
of Hanok's own steps; the consistency, throttling and time-outs of a real S3 are not there. delta-rs and merges do not run on S3 here: Hanok opens local lakes only.
"""
