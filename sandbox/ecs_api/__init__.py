"""The API of ECS over the model in `sandbox/ecs`: what boto3 asks, answered by botocore's own description of ECS.

Strict where AWS is strict. An operation or a parameter that the model does not know is an `UnsupportedError` that
names it; what is accepted without effect is kept and given back, and stands in `understood.py`.
"""
