"""A buyer of flexibility that stands alone: its own key, its own address for callbacks, no database and no market.

It speaks to any seller on the network through beckn.wire and beckn.egress only. What it prints is the command's affair.
"""
