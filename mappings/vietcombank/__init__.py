"""What Vietcombank's files mean."""
