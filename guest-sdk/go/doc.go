package pagesrun
