"""A revision is to be released: a verified release, or a verified return to where it was, with evidence.

The steps, one for each state that calls a function: `begin`, `move` (also the way back), `wait`, `check`, `close`;
beside the machine `sweep`, every five minutes, and `unattended` for deployments of others that no event told of.
`holding` is the lease. `wiring`, `begin_wiring` and `sweep_wiring` put the parts together.

What they decide, pure: `request` (what may be asked), `decision` (may it begin, what does a hook ask for, what
follows from a verdict), `analysis` (is that enough traffic), `progress` (does it still move), `pacing` (when to look
again), `outcome` and `expecting` (is the service as it should be), `returning` (how is it undone), `endings` and
`failure` (how it is said), `sweeping` (what did no event tell).

What they know: `record`, stored by `records`, is what was done; `facts` is what is seen, read by `sight`. Reads may
be older than events (`looking`, `old_reads`), ECS has two names for a deployment (`naming`), and a word may come
while a step works (`hearing`). `examining` does the checks.

What they say: `telling` and `news` to people and the journal, `asking` for how long an answer is waited for;
`reporting` writes what `story`, `page` and `chart` make of the record and of the traffic that `watching` noted.
"""
