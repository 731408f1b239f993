"""The portal: pages for administrators, drawn on the server over the same use cases."""
