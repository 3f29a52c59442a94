"""Trục, the core: our words, our stores, our steps. It knows no partner."""
