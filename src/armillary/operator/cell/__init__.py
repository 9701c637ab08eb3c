"""VitessCell: the vtgates of one cell and, when it has its own, its lockserver."""
