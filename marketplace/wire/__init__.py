"""How the market's rows look in Beckn words, and how a peer's words become the market's.

It builds and reads message bodies only: it knows no signatures (beckn), changes no row (use cases) and decides nothing.
"""
