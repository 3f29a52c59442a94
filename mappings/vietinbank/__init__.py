"""What VietinBank's files mean to us."""
