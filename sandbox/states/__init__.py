"""Step Functions: moto's vendored interpreter of the States Language, on the sandbox's clock and under its roles.

moto's parser is imported when the first state machine is made, and not before: it costs a second.
"""
