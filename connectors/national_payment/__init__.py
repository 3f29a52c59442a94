"""The payment platform of the National Public Service Portal: takes payments of six kinds and tells us of them."""
