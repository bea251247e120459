"""Pictures and labs: one file a notebook, each picture above the lab that shows it."""
