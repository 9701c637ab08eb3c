"""VitessBackupStorage: a mirror of what is in backup storage, as VitessBackup objects."""
