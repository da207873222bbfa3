"""The matcher: all rules of a ruleset judged against one conversation at once. `matcher.Matcher` is the door.

The design, with where each idea comes from
- Conditions become disjunctions of clauses, clauses conjunctions of tests of columns (`clauses`, made by
  `rules.matcher`). Kleene's logic is a distributive lattice with an involution, so nothing of it is lost on the way
  (Kleene, "Introduction to Metamathematics", 1952, section 64).
- A clause is a bit. Each column has, for each of its values, a precomputed mask of the clauses that value does not rule
  out; a conversation is judged by one `&` a column (bit vectors: Lakshman and Stiliadis, SIGCOMM 1998). Equal tests of
  many rules are one entry of one column, so that a shared predicate is looked up once (`columns`).
- Equality and membership are found by hashing (the alpha memories of Rete: Forgy, 1982), thresholds and ranges by
  bisection over sorted end points, prefixes and suffixes by a hash for each length, parts and patterns by one automaton
  for all (RE2's set: Cox, 2010), which is never believed when it might have given up (`texts`).
- Two masks instead of one hold the three values: what may still be true, and what may still be true or unknown. For a
  known value they are equal; what a combination of unknown columns leaves is remembered (`block`). So unknown facts
  make a conversation cheaper, not dearer. A truth as a pair of bounds is how Belnap writes it ("A useful four-valued
  logic", 1977).
- Clauses of one condition stand in planes, a shift apart, so that joining them is one `|` a plane (`block`); the layout
  is that of bit-sliced indexes (O'Neil and Quass, "Improved query performance with variant indexes", SIGMOD 1997).
- A sub-expression that several rules compare (`mrr / quantity`) is a column of its own, computed once. One that hardly
  anybody shares is computed only for clauses that nothing else has ruled out (lazy residuals, as in Elasticsearch's
  percolator and BE-Tree: Sadoghi and Jacobsen, SIGMOD 2011).
- The way through plain facts is generated Python without a loop (`generated`).
- Few rules, and with `stop` the first of many, are asked before any index, one after the other, by generated Python
  that gives up at the first unknown value; while that pays (`scan`, `head`; asking likely stops first is the old
  ordering of short-circuited tests: Hanani, "An optimal evaluation of Boolean expressions", CACM 20(5), 1977). A
  stretch of rules earns and spends credit, so that one in which hardly anything stops is not scanned (the idea of
  ski rental: Karlin, Manasse, Rudolph and Sleator, "Competitive snoopy caching", Algorithmica 3, 1988). What usually
  comes of a scan is kept as a finished answer.
- Past that, rules with `stop` are judged window by window, the first short: the columns are asked once, and only the
  clauses of one window are intersected (`block`; blocks that grow are those of exponential search: Bentley and Yao,
  "An almost optimal algorithm for unbounded searching", Information Processing Letters 5(3), 1976).
- Changed rules go into a small index beside the large one (`matcher`; O'Neil et al., LSM-tree, 1996).
- Matched and unknown rules are sets of bits until read; which facts left a rule unknown is told from its tests
  (`missing`).

Laws
- The matcher comes to exactly what the reference interpreter comes to, unknown facts and errors included; a value that
  is not of its fact's type sends the rules that read it to the interpreter, one by one.
- Immutable once built, but for bounded memories of what was worked out before; threads share it without a lock.
- No text of a rule is ever run as Python.
"""
