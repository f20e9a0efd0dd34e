"""What resolvers and a store exchange: requests, results and Protocols.

Also the state of one operation that both use, such as its budget and its policy report.
"""
