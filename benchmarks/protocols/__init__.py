"""Twelve published protocols, in the language of models, each with a spec beside it.

They are those of a table that provers of safety properties are compared by. Each file says where the
protocol comes from and what corresponds to what; ``python -m benchmarks.smt`` proves them. The sizes in the
specs are small enough to be exhausted by enumeration.

What all have in common: steps are actions over members that they choose, relations are sets of records, and
what the originals leave open initially is chosen by actions before anything else can happen.
"""
