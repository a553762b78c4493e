"""A policy server for openpi's clients and for the authors' evaluation client. No ROS.

`PolicyServer` moves bytes, `ClientSession` answers one client, `Episode` follows the authors' rules of replanning, and
`CascadedPolicy` asks both systems. The settings are read without torch.
"""
