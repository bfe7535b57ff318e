"""Killed at any moment, and several at once: `python -m tests.crash PATH_TO_HANOK [--rounds N]
[--seed S]`.

A. A reference project runs undisturbed. In a second one the same commands are killed with SIGKILL at random moments,
   run again until they succeed, and the two projects must then be equal: every table's columns and rows (rejects and
   the ledger too; load ids aside), and the online values of a sample of keys. Between the kill and the next run the
   lake must be readable, and each table and each feature view must be as before the command or as after it, never in
   between. Killed are loads, builds, applies, materialisations (some of them while `hanok serve` answers, and some of
   those servers) and optimisations: in fresh projects, in grown ones, and at the commit that writes a Delta checkpoint.
B. Two processes load into one table while a third optimises it and a fourth reads it: no row lost, none doubled.

What a kill may leave, and what takes it away:
* data files that no commit names, and object_store's staged files `<name>#<n>`: `hanok vacuum`;
* `.hanok/spill/<id>`: the next command that opens the project;
* a killed server's slot among LMDB's readers: the next reader or writer that needs one;
* the folder of a table that was about to take the name of a view, and of one whose name a view took: nothing yet.

`--rounds` is the number of kills; the default takes 2 to 3 minutes. A failure prints the seed and keeps the folder. The
moments of the kills depend on the machine, so a seed repeats the data and the order of things, not the very instant.
"""
