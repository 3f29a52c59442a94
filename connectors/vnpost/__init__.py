"""VNPost's public-administration service: parcels with dossiers and results, through NGSP or a province's LGSP."""
