"""Reference data shipped with the project, and the readers that turn it into truc.domain words."""
